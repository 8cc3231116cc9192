/**
 * The pack store: blocks in pack files, verified on every read, durable when asked, within a quota.
 *
 * @packageDocumentation
 */
export { keyOfBlock, keyOfBytes, parseKey } from './backend-key.ts'
export { createBlocksBackend, isBlocksBackend } from './backend.ts'
export type { BackendBlocks, BlocksBackend, BlocksBackendOptions, WholeObject } from './backend.ts'
export type {
  Blocks,
  BlocksStats,
  CallOptions,
  Claim,
  CollectOptions,
  CollectProgress,
  CollectReport,
  CompactReport,
  Damage,
  Explanation,
  Lease,
  LeaseOptions,
  Listed,
  MarkReport,
  PackVerified,
  Pair,
  PutOptions,
  RangeOptions,
  Stream,
  Unverified,
  VerifyOptions,
  VerifyProgress,
  VerifyReport,
} from './blocks.ts'
export { createCidStack, type CidStack } from './cid-stack.ts'
export { createDigestCheck, digestOf, matches, type DigestCheck } from './digest.ts'
export { BlocksError, blocksErrors, type BlocksErrorCode } from './errors.ts'
export { createHeliaBlockstore, type HeliaBlocks, type HeliaBlockstoreOptions } from './helia-blockstore.ts'
export { maxInlineBytes } from './mark-walk.ts'
export { openBlocks, type BlocksOptions } from './open-blocks.ts'
export { cutRange } from './range.ts'
export { told } from './told.ts'
export { createVisited, type Visited } from './visited.ts'
