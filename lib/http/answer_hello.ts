import { decodeHello, encodeHello, type Hello } from "../wire/hello.ts";
import { PROTOCOL_VERSION, VERSION } from "./headers.ts";
import { parse } from "./parse.ts";

/** Answers a hello with this process's own. */
export async function answerHello(
  request: Request,
  greet: (hello: Hello) => Hello,
): Promise<Response> {
  const json = await request.text();
  const theirs = parse(() => decodeHello(json));
  const headers = { "content-type": "application/json", [VERSION]: PROTOCOL_VERSION };
  return new Response(encodeHello(greet(theirs)), { headers });
}
