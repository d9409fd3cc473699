import { PROTOBUF, PROTOCOL_VERSION, VERSION } from "../../lib/http/headers.ts";
import { encodeGetResponse } from "../../lib/wire/get_response.ts";

/** What stands under every key: 1 KiB. */
export const VALUE: Uint8Array<ArrayBuffer> = new Uint8Array(1024).fill(120);

/** A value of so many bytes. */
export function valueOf(bytes: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes).fill(120);
}

const REPLY = encodeGetResponse({ value: VALUE, minuteQps: 1000 });

/** The same bytes as the handler answers to a GET of a hit. */
export function handlerReply(): Response {
  return new Response(REPLY, {
    headers: { "content-type": PROTOBUF, [VERSION]: PROTOCOL_VERSION },
  });
}
