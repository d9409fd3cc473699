import { viewOf } from "../../byte_view.ts";
import { quote, valueTooLarge } from "../../errors.ts";
import { checkKey } from "../../key.ts";
import { decodeSetRequest } from "../../wire/messages.ts";
import { ENVELOPE_BYTES } from "../peer_limits.ts";
import type { GroupCall } from "./endpoint.ts";
import { doneReply } from "./replies.ts";
import { parse, readBody } from "./request_body.ts";

/** Puts the value in the request under the key in the request. */
export async function putKey({ group, request, host }: GroupCall): Promise<Response> {
  const { maxValueBytes } = host;
  const body = new Uint8Array(await readBody(request, maxValueBytes + ENVELOPE_BYTES));
  const { key, value, expiresAtMs } = parse(() => {
    const set = decodeSetRequest(body);
    checkKey(set.key);
    return set;
  });
  if (value.byteLength > maxValueBytes) {
    const received = `${value.byteLength} bytes`;
    throw valueTooLarge(`take the value of ${quote(key)}`, received, maxValueBytes);
  }
  group.put(key, { view: viewOf(value), expiresAtMs });
  return doneReply();
}
