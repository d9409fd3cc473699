const DEADLINE_MS = 30_000;

/** Waits until a process answers at a base URL: not all examples say when they are ready. */
export async function answering(url: string): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      return void await (await fetch(`${url}/ready`)).text();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
