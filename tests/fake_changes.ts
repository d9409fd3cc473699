import type { ChangeReceiver } from "../lib/http/server/endpoint.ts";

/** Takes every change of a peer, and reports which keys it drops. */
export function fakeChanges(
  onDrop: (key: string) => void = () => {},
  replaced: Partial<ChangeReceiver> = {},
): ChangeReceiver {
  return {
    time: 0,
    mark: "giver.0",
    receive: (_group, key) => onDrop(key),
    receiveValue: () => "yes",
    receiveUnstamped: (_group, key) => onDrop(key),
    ...replaced,
  };
}
