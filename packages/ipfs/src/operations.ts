/**
 * The operations of the node, as entries for the table that `kit` joins.
 *
 * @packageDocumentation
 */
import { blockGet, blockPut, blockStat } from './operations/block.ts'
import { carExport, carImport } from './operations/car.ts'
import { dagGet, dagPut } from './operations/dag.ts'
import { filesAdd, filesCat, filesGet, filesLs, filesStat } from './operations/files.ts'
import { cidsToPin, pinsAdd, pinsLs, pinsRm } from './operations/pins.ts'
import { repoGc, repoStat } from './operations/repo.ts'

/** Those that may take long, for who makes jobs of them, and the CIDs that such a one needs. */
export { cidsToPin, filesAdd, pinsAdd, repoGc }

/** All entries of this package. Each needs the part `ipfs`. */
export const ipfsOperations = [
  filesAdd,
  filesCat,
  filesGet,
  filesLs,
  filesStat,
  pinsAdd,
  pinsRm,
  pinsLs,
  carExport,
  carImport,
  dagGet,
  dagPut,
  blockGet,
  blockPut,
  blockStat,
  repoStat,
  repoGc,
] as const
