/**
 * Real harm, for tests of what writes on a disk: a process that is killed, and a volume of its own that fills up. Needs no test
 * framework of its own.
 *
 * @packageDocumentation
 */
export { killAfter } from './testing/kill-after.ts'
export { runMounting } from './testing/run-mounting.ts'
