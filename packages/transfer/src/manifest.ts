/** Manifests: what was proven to be the same in which places, as canonical JSON under a CID. */
import { createHash } from 'node:crypto'
import { compareKeys } from '@ipfs-kit/storage'
import { CID } from 'multiformats/cid'
import * as json from 'multiformats/codecs/json'
import { create as createDigest } from 'multiformats/hashes/digest'
import { z } from 'zod'
import type { ReadableEnd } from './end.ts'
import { TransferError } from './errors.ts'

/** An object of a manifest. */
export interface ManifestEntry {
  /** Below the address of each copy; empty where an address is that of one object. */
  readonly path: string
  readonly size: number
  /** In hex. */
  readonly sha256: string
  /** CID of its content, where an end knows it. */
  readonly cid?: string
}

/** A place that has all objects of a manifest. */
export interface ManifestCopy {
  readonly address: string
  readonly failureDomain: string
}

/** A manifest. */
export interface Manifest {
  readonly copies: readonly ManifestCopy[]
  /** In the byte order of their paths. */
  readonly entries: readonly ManifestEntry[]
}

/** A manifest as it is stored. */
export interface WrittenManifest {
  /** CID of its bytes: version 1, codec json, SHA-256. */
  readonly cid: string
  readonly bytes: Uint8Array
}

/** Bytes that a manifest may have: about 400,000 objects. */
export const maxManifestBytes = 64 * 1024 * 1024

const sha2256 = 0x12
const format = 'ipfs-kit-manifest'
const schema = z.strictObject({
  copies: z.array(z.strictObject({ address: z.string(), failureDomain: z.string() })),
  entries: z.array(
    z.strictObject({
      cid: z.string().optional(),
      path: z.string(),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
      size: z.int().min(0),
    }),
  ),
  format: z.literal(format),
  version: z.literal(1),
})

/**
 * Writes a manifest in its canonical form: UTF-8, keys sorted, no white space, entries in the byte order of their paths. The same
 * manifest has the same CID.
 *
 * @throws TransferError `TRANSFER_BAD_MANIFEST` if it has more than 64 MiB, or two entries of one path
 */
export function writeManifest({ copies, entries }: Manifest): WrittenManifest {
  const sorted = inOrder(entries)
  for (const [at, { path }] of sorted.entries()) {
    if (path === sorted[at + 1]?.path) throw bad(`has two entries of ${JSON.stringify(path)}`)
  }
  const text = JSON.stringify({
    copies: copies.map(({ address, failureDomain }) => ({ address, failureDomain })),
    entries: sorted.map(({ cid, path, sha256, size }) => ({ cid, path, sha256, size })),
    format,
    version: 1,
  })
  const bytes = new TextEncoder().encode(text)
  if (bytes.byteLength > maxManifestBytes) throw bad(`has ${bytes.byteLength} bytes`)
  return { cid: cidOf(bytes), bytes }
}

/**
 * Reads a manifest.
 *
 * @param cid - that it has to have. Default: any
 * @throws TransferError `TRANSFER_BAD_MANIFEST` for what {@link writeManifest} does not write, and for another CID
 */
export function readManifest(bytes: Uint8Array, cid?: string): Manifest {
  if (bytes.byteLength > maxManifestBytes) throw bad(`has ${bytes.byteLength} bytes`)
  if (cid !== undefined && cidOf(bytes) !== cid) throw bad(`has the CID ${cidOf(bytes)}, and not ${cid}`)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch (cause) {
    throw bad('is no JSON in UTF-8', cause)
  }
  const parsed = schema.safeParse(value)
  if (!parsed.success) throw bad(`does not fit: ${z.prettifyError(parsed.error).slice(0, 500)}`, parsed.error)
  const { copies, entries } = parsed.data
  const manifest: Manifest = {
    copies,
    entries: entries.map(({ cid: known, ...entry }) => ({
      ...entry,
      ...(known !== undefined && { cid: known }),
    })),
  }
  if (Buffer.compare(writeManifest(manifest).bytes, bytes) !== 0) throw bad('is not in its canonical form')
  return manifest
}

/** What a manifest lists, as an end to hold a place against. It has digests, and no bytes: none of its objects can be opened. */
export function manifestEnd(manifest: Manifest): ReadableEnd {
  const items = inOrder(manifest.entries).map(({ path, size, sha256, cid }) => ({
    ...{ path, size, sha256, cid },
    version: undefined,
    modifiedMs: undefined,
  }))
  return {
    name: 'the manifest',
    shape: items.length === 1 && items[0]!.path === '' ? 'object' : 'prefix',
    place: manifest,
    root: '',
    failureDomain: 'none',
    supports: {
      write: false,
      delete: false,
      list: true,
      conditionalPut: false,
      conditionalReplace: false,
      maxPathBytes: 0,
      maxItemBytes: 0,
    },
    async *list() {
      yield* items
    },
    stat: async (path) => items.find((one) => one.path === path),
    open: async () => undefined,
  }
}

/** How a manifest names an end. */
export function copyAt({ name, failureDomain }: ReadableEnd): ManifestCopy {
  return { address: name, failureDomain }
}

function inOrder(entries: readonly ManifestEntry[]): ManifestEntry[] {
  return [...entries].sort((one, other) => compareKeys(one.path, other.path))
}

function cidOf(bytes: Uint8Array): string {
  const digest = createHash('sha256').update(bytes).digest()
  return CID.createV1(json.code, createDigest(sha2256, digest)).toString()
}

function bad(flaw: string, cause?: unknown): TransferError {
  return new TransferError('TRANSFER_BAD_MANIFEST', `The manifest ${flaw}`, { cause })
}
