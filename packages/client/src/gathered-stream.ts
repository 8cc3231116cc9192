/** A stream for `fetch` that gathers small pieces: each chunk costs a turn of the connection, whatever its size. */

/** Small pieces are gathered up to this size. */
const gatherBytes = 262_144
/** Pieces of at least this size are passed on as they are. */
const largeBytes = 65_536
/** A source that pauses longer than this has what it gave so far sent. */
const gatherMs = 50

/** What happens to the bytes. */
export interface GatherListener {
  /** All bytes handed to the connection so far. */
  readonly onSent: (bytes: number) => void
  readonly onFailure: (error: unknown) => void
}

/** A stream of the same bytes, and the way to leave its source before the end. */
export function gatheredStream(
  pieces: AsyncIterable<Uint8Array>,
  { onSent, onFailure }: GatherListener,
): { readonly stream: ReadableStream<Uint8Array>; readonly leave: () => void } {
  const source = pieces[Symbol.asyncIterator]()
  let gathered: Uint8Array[] = []
  let size = 0
  let sent = 0
  let ended = false
  let timer: ReturnType<typeof setTimeout> | undefined

  function flush(controller: ReadableStreamDefaultController<Uint8Array>): void {
    clearTimeout(timer)
    timer = undefined
    if (size === 0 || ended) return
    const chunk = gathered.length === 1 ? gathered[0]! : join(gathered, size)
    gathered = []
    size = 0
    sent += chunk.length
    controller.enqueue(chunk)
    onSent(sent)
  }

  function leave(): void {
    clearTimeout(timer)
    if (ended) return
    ended = true
    // A failure to clean up changes nothing for a call that has its answer.
    void Promise.resolve(source.return?.()).catch(onFailure)
  }

  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          for (const before = sent; sent === before && !ended;) {
            const step = await source.next()
            if (ended) return
            if (step.done === true) {
              flush(controller)
              ended = true
              controller.close()
              return
            }
            const piece = step.value
            if (piece.length === 0) continue
            if (piece.length >= largeBytes) flush(controller)
            gathered.push(piece)
            size += piece.length
            if (piece.length >= largeBytes || size >= gatherBytes) flush(controller)
            else timer ??= setTimeout(() => flush(controller), gatherMs)
          }
        } catch (error) {
          clearTimeout(timer)
          ended = true
          onFailure(error)
          controller.error(error)
        }
      },
      cancel: leave,
    },
    { highWaterMark: 0 },
  )
  return { stream, leave }
}

function join(pieces: readonly Uint8Array[], size: number): Uint8Array {
  const bytes = new Uint8Array(size)
  let at = 0
  for (const piece of pieces) {
    bytes.set(piece, at)
    at += piece.length
  }
  return bytes
}
