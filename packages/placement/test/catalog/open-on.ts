/** Opens catalogues on simulated disks. */
import type { Disk } from '@ipfs-kit/disk'
import { CID } from 'multiformats/cid'
import * as raw from 'multiformats/codecs/raw'
import { identity } from 'multiformats/hashes/identity'
import { openCatalog, type Catalog } from '../../src/catalog/catalog.ts'
import type { Row } from '../../src/catalog/row.ts'

export function openOn(disk: Disk): Promise<Catalog> {
  return openCatalog({ path: '/copies', disk, segmentBytes: 16_384 })
}

/** A CID by a number. */
export function cidOf(number: number): CID {
  return CID.createV1(raw.code, identity.digest(Buffer.from(`content ${number}`)))
}

/** A row by numbers. */
export function rowOf(bytes: number, copies = bytes % 4): Row {
  return {
    content: { bytes, addedMs: bytes * 7, heat: bytes / 8, type: 'text/plain', name: `näme ${bytes}` },
    copies: Array.from({ length: copies }, (_, at) => ({
      backend: `b${at}`,
      state: (['ok', 'lost', 'damaged'] as const)[at % 3]!,
      verifiedMs: 1_700_000_000_000 + bytes,
    })),
    revision: 0,
  }
}

/** All that is in a catalogue, by CID. */
export function contentOf(catalog: Catalog): Map<string, number> {
  const found = new Map<string, number>()
  for (let slot = 0; slot < catalog.slots; slot += 1) {
    const row = catalog.at(slot)
    if (row !== undefined) found.set(catalog.cidAt(slot).toString(), row.content.bytes)
  }
  return found
}
