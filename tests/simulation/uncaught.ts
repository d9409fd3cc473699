import process from "node:process";

/** Takes what was thrown and not caught by anybody, for as long as it is there. */
export function watchUncaught(report: (error: unknown) => void): Disposable {
  process.on("unhandledRejection", report);
  process.on("uncaughtException", report);
  return {
    [Symbol.dispose](): void {
      process.off("unhandledRejection", report);
      process.off("uncaughtException", report);
    },
  };
}
