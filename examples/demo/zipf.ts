/**
 * Picks items as visitors of a site do: the first most often, the n-th n times less often. The sequence
 * is the same in every run.
 */
export function zipf<T>(items: readonly T[]): () => T {
  const sums: number[] = [];
  items.reduce((sum, _, index) => sums[index] = sum + 1 / (index + 1), 0);
  let state = 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const aim = state / 2 ** 32 * (sums.at(-1) ?? 0);
    return items[sums.findIndex((sum) => sum > aim)] as T;
  };
}
