import type { ChangeLog, LoggedChange } from "./change_log.ts";

/** Changes and UTF-16 units of keys in one update, so that it fits a hello. */
const MAX_CHANGES = 500;
const MAX_KEY_UNITS = 96 * 1024;

/**
 * Collects the changes after a position, as many as fit one update, and the position up to which a peer
 * that is told of them knows all.
 *
 * @param options `knowsSettled`: whether the peer knows all settled changes.
 */
export function takeAfter(
  from: number,
  { log, knowsSettled }: { log: ChangeLog; knowsSettled: boolean },
): { changes: LoggedChange[]; through: number } {
  const changes: LoggedChange[] = [];
  let through = from;
  let units = 0;
  for (const change of log.after(from)) {
    if (!knowsSettled || !log.isSettled(change)) {
      units += change.group.length + change.key.length;
      const isFull = changes.length === MAX_CHANGES || units > MAX_KEY_UNITS;
      if (isFull && changes.length > 0) return { changes, through };
      changes.push(change);
    }
    through = change.position;
  }
  return { changes, through };
}
