/**
 * A content-addressed node over a folder: UnixFS files, IPLD nodes, pins, content archives and garbage collection.
 *
 * @packageDocumentation
 */
export type { BlockCache, BlockReader, CachedBlocks, CreateBlockCache, LinksOf } from './block-cache.ts'
export { parseCid, parseContentPath } from './content-path.ts'
export type { ContentPath } from './content-path.ts'
export { IpfsError, ipfsErrors } from './errors.ts'
export type { IpfsErrorCode } from './errors.ts'
export type {
  AddedItem,
  AddEntry,
  AddOptions,
  AddSummary,
  Blocks,
  CallOptions,
  Car,
  CidProfile,
  Dag,
  DagCodec,
  DirectoryEntry,
  FailedItem,
  FileContent,
  Files,
  GcResult,
  ImportOptions,
  ImportResult,
  Ipfs,
  IpfsStats,
  MigrationProgress,
  RangeOptions,
  Repo,
  RepoStat,
  RunMigration,
  Stat,
} from './ipfs.ts'
export { openIpfs } from './open-ipfs.ts'
export type { IpfsOptions, Root } from './open-ipfs.ts'
export type { OwnPins, Pin, PinAddOptions, PinMetadata } from './pins.ts'
