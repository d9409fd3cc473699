/** A request for a report. */
export interface ReportQuestion {
  /** The key to report on; omitted for the report of the process. */
  readonly inspect?: { readonly group: string; readonly key: string };
}

/** Encodes a question as JSON. */
export function encodeReportQuestion(question: ReportQuestion): string {
  return JSON.stringify(question);
}

/**
 * Decodes a question.
 *
 * @throws {TypeError} If the JSON is invalid or lacks a member.
 */
export function decodeReportQuestion(json: string): ReportQuestion {
  const { inspect } = parse(json);
  if (inspect === undefined) return {};
  const { group, key } = Object(inspect);
  if (typeof group !== "string" || typeof key !== "string") {
    throw new TypeError(`expected a group and a key: received ${json.slice(0, 64)}`);
  }
  return { inspect: { group, key } };
}

function parse(json: string): { inspect?: unknown } {
  try {
    return Object(JSON.parse(json));
  } catch {
    throw new TypeError(`expected a question as JSON: received ${json.slice(0, 64)}`);
  }
}
