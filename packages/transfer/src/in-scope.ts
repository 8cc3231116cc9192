/** The scope of a public call. */
import { cancelScope, throwIfCancelled } from '@ipfs-kit/concurrency'

/** Runs a call in a scope that the signal cancels as well. @throws the reason, untouched */
export async function inScope<T>(
  name: string,
  call: () => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  const ended = await cancelScope(
    async () => {
      throwIfCancelled()
      return { value: await call() }
    },
    { name, signal },
  )
  // Only a cancellation by the scope itself gives nothing, and nobody asks for one.
  return ended!.value
}
