/** What differs between Deno and Bun for the tests, and nothing else. */

type TestBody = () => void | Promise<void>;

interface TestOptions {
  /** Shows the test as skipped. */
  ignore?: boolean;
}

// deno-lint-ignore no-explicit-any
const globals = globalThis as any;

export const isDeno: boolean = "Deno" in globalThis;

/** Bun's test module; a computed specifier keeps Deno from looking for it. */
const bunTest = isDeno ? undefined : await import(["bun", "test"].join(":"));

/** Declares a test in the runtime's own runner. */
export function test(name: string, body: TestBody, { ignore = false }: TestOptions = {}): void {
  if (bunTest === undefined) globals.Deno.test({ name, ignore, fn: body });
  else if (ignore) bunTest.test.skip(name, body);
  else bunTest.test(name, body);
}
