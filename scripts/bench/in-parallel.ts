/** As many at once as a worker has activities in practice; more would measure queues. */
const atOnce = 32;

/** Does it for each, a few at a time. */
export async function inParallel<T>(all: Iterable<T>, act: (one: T) => Promise<unknown>): Promise<void> {
  const left = all[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let next = left.next(); !next.done; next = left.next()) await act(next.value);
    }),
  );
}
