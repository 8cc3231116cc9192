/** The peer: Helia's importer and file blockstore, in a process of its own. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'

/** Imports a file or tree into a new blockstore, which is removed afterwards. Only the import is timed. */
export async function addByImporter(source: string, store: string): Promise<{ readonly seconds: number }> {
  const child = fork(new URL('./peer-process.ts', import.meta.url), [source, store])
  try {
    const [message] = (await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(([code]) => Promise.reject(new Error(`The peer ended with ${code}`))),
    ])) as [{ readonly seconds: number }]
    return message
  } finally {
    if (child.exitCode === null) {
      child.disconnect()
      await once(child, 'exit')
    }
    await rm(store, { recursive: true, force: true })
  }
}
