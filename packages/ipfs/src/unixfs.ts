/**
 * UnixFS nodes by themselves, for a filesystem above a block store: read, find, list and change them by their CIDs. Blocks come
 * from a function `get` and go to a function `put`; whoever calls sees to it that what was put is kept.
 *
 * @packageDocumentation
 */
export { describeNode } from './describe-node.ts'
export type { NodeDescription } from './describe-node.ts'
export { IpfsError } from './errors.ts'
export type { IpfsErrorCode } from './errors.ts'
export type { BuildFileOptions, EditFileOptions } from './file-change.ts'
export { buildFile, editFile, truncateFile } from './file-edit.ts'
export type { FileBytes } from './file-edit.ts'
export { fileContent } from './file-content.ts'
export type { FileContentOptions } from './file-content.ts'
export type { FilePart } from './file-layout.ts'
export { setFileMetadata } from './file-metadata.ts'
export type { GetBlock } from './file-reader.ts'
export { diffFolders } from './folder-diff.ts'
export type { FolderDifference } from './folder-diff.ts'
export { editFolder } from './folder-edit.ts'
export type { EditFolderOptions, FolderChanges } from './folder-edit.ts'
export type { FolderLink } from './folder-link.ts'
export { lookUp } from './folder-lookup.ts'
export { keyOf, orderOf } from './folder-order.ts'
export type { FolderOrder } from './folder-order.ts'
export { readFolder } from './folder-reader.ts'
export type { ReadFolderOptions } from './folder-reader.ts'
export { linksOf } from './codecs.ts'
export type { CidProfile, DirectoryEntry } from './ipfs.ts'
export type { MetadataChange, UnixfsMetadata } from './metadata.ts'
export { walkDag } from './walk.ts'
export type { WalkOptions, WalkSource } from './walk.ts'
