/** What folders are measured by, to tell which are plain and which are HAMTs: as the importer and Kubo measure them. */
import { linkSerializedSize, utf8ByteLength } from 'ipfs-unixfs-importer/utils'
import type { CidProfile } from './ipfs.ts'

/** A folder that is larger than this is a HAMT. */
export const shardAboveBytes = 262_144

/** What a folder counts that has no entries. `unixfs-v1-2025` counts its block, `unixfs-v0-2015` only names and CIDs of links. */
export function emptyFolderSize(profile: CidProfile, unixfsBytes: number): number {
  // The field of the block that has the UnixFS data: its tag, one byte for its length (below 128), and the data.
  return profile === 'unixfs-v1-2025' ? 2 + unixfsBytes : 0
}

/** What a folder counts for a link. */
export function linkSize(profile: CidProfile, name: string, cidBytes: number, dagBytes: number): number {
  const nameBytes = utf8ByteLength(name)
  return profile === 'unixfs-v1-2025'
    ? linkSerializedSize(nameBytes, cidBytes, dagBytes)
    : nameBytes + cidBytes
}
