/**
 * The conformance suite of disks: the contract of `Disk` as tests. It runs in vitest, `node:test` or anything else with a
 * `test` function, on whatever backend that runs it, and asserts with `node:assert`.
 *
 * @packageDocumentation
 */
export { diskConformance } from './conformance/suite.ts'
export type { ConformanceRunner, ConformanceTarget, OpenedDisk } from './conformance/suite.ts'
