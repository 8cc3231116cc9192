/** The planted races: each a small program with a mistake in it that only some orders of events show. */
import { readdir } from 'node:fs/promises'

/** One planted race. Both forms make everything anew when they are called. */
export interface Race {
  readonly name: string
  /** The program with the mistake: fails under some seeds and passes under others. */
  readonly wrong: () => Promise<void>
  /** The same program without it: passes under every seed. */
  readonly right: () => Promise<void>
}

/** All of them, by name. Each file under `races` exports one as `race`. */
export async function plantedRaces(): Promise<readonly Race[]> {
  const folder = new URL('races/', import.meta.url)
  const names = (await readdir(folder)).filter((name) => name.endsWith('.ts'))
  return await Promise.all(
    names.toSorted().map(async (name) => {
      const { race } = (await import(new URL(name, folder).href)) as { race: Race }
      return race
    }),
  )
}
