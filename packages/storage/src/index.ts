/**
 * The storage backend contract: bytes by key, in memory, on a disk or in a remote store. With it come the names of
 * content in any backend (addresses) and a bounded backend in memory. The suite that every backend has to pass is at
 * `@ipfs-kit/storage/conformance`.
 *
 * @packageDocumentation
 */
export { createAddresses } from './address.ts'
export type { Address, Addresses, AddressPlace, AddressScheme } from './address.ts'
export type {
  Body,
  CallOptions,
  GetOptions,
  ListOptions,
  ListPage,
  ObjectStat,
  ProbeReport,
  ProbeStep,
  PutOptions,
  StorageBackend,
  StoredObject,
  Supports,
} from './backend.ts'
export { createArrivals } from './arrivals.ts'
export type { Arrival, Arrivals, ArrivalsOptions } from './arrivals.ts'
export { checkCondition, checkCount, checkGet, checkList, checkPut } from './call.ts'
export type { CheckedPut } from './call.ts'
export { cursorOf, keyOfCursor } from './cursor.ts'
export { StorageError, storageErrors } from './errors.ts'
export type { FaultKind, StorageErrorCode } from './errors.ts'
export { gather } from './gather.ts'
export type { GatherOptions } from './gather.ts'
export { takeIn } from './intake.ts'
export { checkKey, compareKeys } from './key.ts'
export { createMemoryBackend } from './memory.ts'
export type { MemoryBackend, MemoryBackendOptions, MemoryStats } from './memory.ts'
export { onePiece, windowIn } from './one-piece.ts'
export { probeByRoundTrip } from './probe.ts'
export type { RoundTripOptions } from './probe.ts'
export { windowOf } from './range.ts'
export type { Wanted } from './range.ts'
export { configuredScheme, ipfsScheme, memoryScheme, mfsScheme, namedPlace } from './schemes.ts'
