import { decodeHello, encodeHello } from "../../wire/hello.ts";
import { CHANNEL, CHANNEL_VERSION, PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { MAX_HELLO_BYTES } from "../peer_limits.ts";
import type { Call } from "./endpoint.ts";
import { parse, readText } from "./request_body.ts";

/** Answers a hello with that of this process. */
export async function answerHello(call: Call): Promise<Response> {
  const json = await readText(call, MAX_HELLO_BYTES);
  const theirs = parse(() => decodeHello(json));
  const headers = {
    "content-type": "application/json",
    [VERSION]: PROTOCOL_VERSION,
    [CHANNEL]: CHANNEL_VERSION,
  };
  return new Response(encodeHello(await call.host.greet(theirs, call.admission)), { headers });
}
