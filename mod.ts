export { ByteView } from "./lib/byte_view.ts";
export type { ByteViewInit } from "./lib/byte_view.ts";
export { GroupCacheError } from "./lib/errors.ts";
