/** Handing a message to a client that may be slow. */
import { currentScope, failAfter, suspend } from '@ipfs-kit/concurrency'

/** How long a client may read nothing while there is something for it: it comes again, and goes on where it was. */
const stalledMs = 60_000

/**
 * Resolves when what was written has left this process, so that who writes next never has more than one message waiting here.
 *
 * @param write - writes, and calls back when that is done
 * @param cut - ends the connection: it is broken, or nobody reads
 * @throws what the connection fails with; TimeoutError for a client that does not read
 */
export async function deliver(
  write: (done: (error?: Error | null) => void) => void,
  cut: () => void,
): Promise<void> {
  try {
    await failAfter(stalledMs, () =>
      suspend<void>(
        ({ resolve, reject }) => {
          write((error) => (error == null ? resolve() : reject(error)))
          return () => {}
        },
        { what: 'reader' },
      ),
    )
  } catch (error) {
    // Who was told to stop leaves the connection to others.
    if (!currentScope().cancelled) cut()
    throw error
  }
}
