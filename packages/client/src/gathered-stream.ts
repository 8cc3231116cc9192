/** A stream for `fetch` that gathers small pieces: each chunk costs a turn of the connection, whatever its size. */
import { createOwner, type Owner, type Scope, sleep, type Task } from '@ipfs-kit/concurrency'

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
  let pause: Task<void> | undefined
  /** Of what goes on beside the stream; made when there is something. */
  let owner: Owner | undefined

  function flush(controller: ReadableStreamDefaultController<Uint8Array>): void {
    endPause()
    if (size === 0 || ended) return
    const chunk = gathered.length === 1 ? gathered[0]! : join(gathered, size)
    gathered = []
    size = 0
    sent += chunk.length
    controller.enqueue(chunk)
    onSent(sent)
  }

  /** Sends what there is when the source gives nothing more for a while. */
  function flushAfterPause(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const wait = async (scope: Scope): Promise<void> => {
      await sleep(gatherMs, { scope })
      pause = undefined
      flush(controller)
    }
    pause ??= beside().spawn(wait, { name: 'pause of an upload' })
  }

  function endPause(): void {
    pause?.cancel()
    pause = undefined
  }

  function beside(): Owner {
    return (owner ??= createOwner({ name: 'upload' }))
  }

  /** Nothing more is sent. The owner ends as soon as its last task does, which nobody waits for. */
  function end(): void {
    ended = true
    owner?.scope.cancel('The upload is over')
  }

  function leave(): void {
    if (ended) return
    const left = source.return?.()
    const wait = async (): Promise<void> => {
      try {
        await left
      } catch (error) {
        // It changes nothing for a call that has its answer.
        onFailure(error)
      }
    }
    beside().spawn(wait, { name: 'end of an upload' })
    end()
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
              end()
              controller.close()
              return
            }
            const piece = step.value
            if (piece.length === 0) continue
            if (piece.length >= largeBytes) flush(controller)
            gathered.push(piece)
            size += piece.length
            if (piece.length >= largeBytes || size >= gatherBytes) flush(controller)
            else flushAfterPause(controller)
          }
        } catch (error) {
          end()
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
