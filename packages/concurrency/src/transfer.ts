/**
 * The mark of results that are moved, for modules that run on threads: without the rest of this package, which takes a
 * thread longer to load than many a call takes.
 *
 * @packageDocumentation
 */
export { transfer, type Transfer } from './thread/transfer.ts'
