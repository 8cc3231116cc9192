/** Makes folders on a simulated disk as the node disk does: one after the other, each synced before the next. */
import type { SimNames } from './names.ts'
import type { SimProcess } from './process.ts'

/** Makes a folder and those above it that are missing, and syncs their names, and that of the lowest one that is there. */
export async function makeFolders(process: SimProcess, names: SimNames, path: string): Promise<void> {
  const paths = names.foldersOf(path)
  const missing = paths.filter((at) => names.stat(at) === undefined)
  const make = (at: string): Promise<boolean> =>
    process.operate('makeFolder', path, () => names.makeFolder(at))
  if (missing.length === 0) await make(path)
  await syncAbove(process, names, paths[paths.length - missing.length - 1]!)
  for (const at of missing) {
    const made = await make(at)
    try {
      await syncAbove(process, names, at)
    } catch (error) {
      // A sync that succeeds later would say nothing about this name: whoever tries again makes it anew.
      if (made && !process.dead && names.list(at).length === 0) names.removeFolder(at)
      throw error
    }
  }
}

async function syncAbove(process: SimProcess, names: SimNames, path: string): Promise<void> {
  await syncFolder(process, names, path === '/' ? '/' : `${path}/..`)
}

/** Syncs the names in a folder. */
export async function syncFolder(process: SimProcess, names: SimNames, path: string): Promise<void> {
  await process.operate(
    'syncFolder',
    path,
    () => names.sync(path),
    () => names.failSync(path),
  )
}
