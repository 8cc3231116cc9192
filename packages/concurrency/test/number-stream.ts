/** A stream of numbers that says what was asked of it. */
export function numbers(length: number) {
  const seen = { pulled: 0, cancelled: undefined as unknown }
  const readable = new ReadableStream<number>(
    {
      pull(controller) {
        if (seen.pulled === length) controller.close()
        else controller.enqueue(seen.pulled++)
      },
      cancel(reason) {
        seen.cancelled = reason ?? 'cancelled'
      },
    },
    { highWaterMark: 0 },
  )
  return { seen, readable }
}
