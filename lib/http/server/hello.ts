import { decodeHello, encodeHello, type Hello } from "../../wire/hello.ts";
import { MAX_HELLO_BYTES } from "../body_bounds.ts";
import { PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { parse } from "./parse.ts";
import { readText } from "./request_body.ts";

/** Answers a hello with this process's own. */
export async function answerHello(
  request: Request,
  greet: (hello: Hello) => Hello,
): Promise<Response> {
  const json = await readText(request, MAX_HELLO_BYTES);
  const theirs = parse(() => decodeHello(json));
  const headers = { "content-type": "application/json", [VERSION]: PROTOCOL_VERSION };
  return new Response(encodeHello(greet(theirs)), { headers });
}
