/** The note of the process that holds a home, for those who want to join it or wait for it. */
import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { writeAtomically } from './atomic-file.ts'
import { homeAt } from './home.ts'

const holderSchema = z.object({
  pid: z.int().positive(),
  startedAt: z.iso.datetime(),
  role: z.enum(['server', 'command']),
  url: z.string().optional(),
  gatewayUrl: z.string().optional(),
  tokenFile: z.string().optional(),
})

/**
 * Who holds a home: a `server`, which others join, or a `command`, which they wait for. `startedAt` is ISO
 * 8601; the addresses and the path of the token file are there once a server is ready.
 */
export type Holder = Readonly<z.output<typeof holderSchema>>

/**
 * Reads the note of the holder. It is only a note: after a `kill -9` it stays behind, and the lock is the
 * truth. So who cannot reach the `url` opens the home itself. Absent, unreadable or foreign content gives
 * `undefined`.
 *
 * @param path the home, default {@link homePath}
 */
export async function readHolder(path?: string): Promise<Holder | undefined> {
  let value: unknown
  try {
    value = JSON.parse(await readFile(homeAt(path).holder, 'utf8'))
  } catch {
    // Whatever stands there helps nobody: the lock says whether the home is held.
    return undefined
  }
  return holderSchema.safeParse(value).data
}

/** Replaces the note. Only for the process that has the lock. */
export async function writeHolder(home: string, holder: Holder): Promise<void> {
  await writeAtomically(homeAt(home).holder, `${JSON.stringify(holder)}\n`)
}

/** Removes the note. Only for the process that has the lock. */
export async function removeHolder(home: string): Promise<void> {
  await rm(homeAt(home).holder, { force: true })
}
