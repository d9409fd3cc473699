import { PROTOCOL_VERSION, VERSION } from "../headers.ts";
import { MAX_NOTE_BYTES } from "../peer_limits.ts";
import { decodeReportQuestion } from "../../wire/report_question.ts";
import type { Call } from "./endpoint.ts";
import { parse, readText } from "./request_body.ts";

/** Reports the counters of this process, or the state of a key. */
export async function answerReport(call: Call): Promise<Response> {
  const json = await readText(call, MAX_NOTE_BYTES);
  const question = parse(() => decodeReportQuestion(json));
  const headers = {
    "content-type": "application/json",
    [VERSION]: PROTOCOL_VERSION,
  };
  return new Response(JSON.stringify(call.host.report(question)), { headers });
}
