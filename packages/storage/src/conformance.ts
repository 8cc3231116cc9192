/**
 * The conformance suite of storage backends: the contract of `StorageBackend` as tests. It runs in vitest, `node:test` or
 * anything else with a `test` function, and asserts with `node:assert`.
 *
 * @packageDocumentation
 */
export { storageConformance } from './conformance/suite.ts'
export type { ConformanceRunner, ConformanceTarget, FaultyObject, PeerFault } from './conformance/suite.ts'
