/** Builds pack files, and puts bytes on a simulated disk. */
import { type DiskFile, simDisk } from '@ipfs-kit/disk'
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { expect } from 'vitest'
import { encodeFooter, type Footer, type PackRows } from '../src/footer.ts'
import {
  frameBytes,
  frameHeaderBytes,
  frameKinds,
  type FrameKind,
  writeFrameHeader,
  beginsRun,
  type FrameSite,
  type RunMark,
} from '../src/frame.ts'
import { encodePackHeader, packHeaderBytes, type PackHeader } from '../src/pack-header.ts'
import { type PackScan, type ScannedFrame, scanPack, type ScanOptions } from '../src/pack-scan.ts'
import { PackTable } from '../src/pack-table.ts'
import { storeIdOf } from '../src/store-file.ts'
import { createTagger } from '../src/tags.ts'

export const seed = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex')
export const header: PackHeader = { stream: 'kept', id: 7, salt: 0x5eed5a17, storeId: storeIdOf(seed) }

export interface Content {
  readonly kind: FrameKind
  readonly key: Buffer
  readonly payload: Buffer
}

export interface BuiltFrame extends Content {
  readonly offset: number
  /** Where the frame ends without, and with its padding. */
  readonly contentEnd: number
  readonly end: number
}

export interface BuiltPack {
  /** Header and frames. */
  readonly data: Buffer
  readonly footerBuffer: Buffer
  /** All of the file. */
  readonly sealed: Buffer
  readonly frames: readonly BuiltFrame[]
  readonly table: PackTable
  readonly footer: Footer
  readonly rows: PackRows
}

export function multihashOf(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x12, 0x20]), createHash('sha256').update(payload).digest()])
}

export function block(payload: string | Buffer): Content {
  const bytes = Buffer.from(payload)
  return { kind: frameKinds.block, key: multihashOf(bytes), payload: bytes }
}

export function record(key: string, payload: string | Buffer): Content {
  return { kind: frameKinds.record, key: Buffer.from(key), payload: Buffer.from(payload) }
}

export function gone(content: Content): Content {
  const kind = content.kind === frameKinds.block ? frameKinds.goneBlock : frameKinds.goneRecord
  return { kind, key: content.key, payload: Buffer.alloc(0) }
}

/** Twenty blocks of up to 60 bytes. */
export function smallBlocks(): Content[] {
  return Array.from({ length: 20 }, (_, index) => block(`block ${index} ${'.'.repeat((index * 7) % 50)}`))
}

export function tagOf({ kind, key }: Pick<Content, 'kind' | 'key'>): { high: number; low: number } {
  const tagger = createTagger(seed)
  if (kind === frameKinds.block || kind === frameKinds.goneBlock) tagger.block(key)
  else tagger.record(key)
  return { high: tagger.high, low: tagger.low }
}

/** One frame as in its file. */
export function frameOf({ kind, key, payload }: Content, site: FrameSite, run?: RunMark): Buffer {
  const bytes = Buffer.alloc(frameBytes(key.length, payload.length))
  const payloadCrc = kind === frameKinds.record ? crc32(payload) : undefined
  writeFrameHeader(bytes, 0, { kind, key, payloadBytes: payload.length, payloadCrc, run }, site)
  bytes.set(payload, frameHeaderBytes + key.length)
  return bytes
}

/** Frames in a run at least: few, so that there are runs in small packs. */
const framesOfRun = 4

export async function buildPack(contents: readonly Content[], pack: PackHeader = header): Promise<BuiltPack> {
  const pieces = [encodePackHeader(pack)]
  const frames: BuiltFrame[] = []
  const table = new PackTable()
  let end = packHeaderBytes
  let run: Buffer[] | undefined
  for (const content of contents) {
    let mark: RunMark | undefined
    if (content.kind !== frameKinds.record && (run === undefined || run.length >= framesOfRun)) {
      mark = run === undefined ? beginsRun : { endedCrc: crc32(Buffer.concat(run), pack.salt) }
      run = []
    }
    const bytes = frameOf(content, { salt: pack.salt, offset: end }, mark)
    run?.push(bytes)
    const { high, low } = tagOf(content)
    table.add(high, low, end, content.payload.length, content.kind, content.key)
    const contentEnd = end + frameHeaderBytes + content.key.length + content.payload.length
    frames.push({ ...content, offset: end, contentEnd, end: end + bytes.length })
    pieces.push(bytes)
    end += bytes.length
  }
  const data = Buffer.concat(pieces)
  const { footer, rows, buffers } = await encodeFooter(table, { ...pack, dataEnd: data.length })
  const footerBuffer = Buffer.concat(buffers)
  return { data, footerBuffer, sealed: Buffer.concat([data, footerBuffer]), frames, table, footer, rows }
}

/** A file on a new disk. */
export async function fileOf(bytes: Uint8Array): Promise<DiskFile> {
  const file = await simDisk({ seed: 1 }).open('/a.pack', 'create')
  await file.write([bytes], 0)
  return file
}

/** All that a scan finds, which is the same whether it goes by runs or by payloads. The keys are copies. */
export async function scanAll(
  file: DiskFile,
  fileBytes: number,
  options: Omit<ScanOptions, 'verify'> = {},
): Promise<Scanned> {
  const byRuns = await scanBy('runs', file, fileBytes, options)
  const byPayloads = await scanBy('payloads', file, fileBytes, options)
  expect(byRuns.frames).toEqual(byPayloads.frames)
  for (const what of ['end', 'damages', 'tail'] as const)
    expect(byRuns.scan[what]).toEqual(byPayloads.scan[what])
  return byRuns
}

export interface Scanned {
  readonly frames: readonly ScannedFrame[]
  readonly scan: PackScan
}

export async function scanBy(
  verify: ScanOptions['verify'],
  file: DiskFile,
  fileBytes: number,
  options: Omit<ScanOptions, 'verify'> = {},
): Promise<Scanned> {
  const scan = scanPack(file, fileBytes, header, { ...options, verify })
  const frames: ScannedFrame[] = []
  for await (const some of scan) {
    for (const frame of some) frames.push({ ...frame, key: Buffer.from(frame.key) })
  }
  return { frames, scan }
}

/** What a scan should give for some of the frames. */
export function expected(frames: readonly BuiltFrame[]): ScannedFrame[] {
  return frames.map(({ kind, key, offset, payload }) => ({ kind, key, offset, payloadBytes: payload.length }))
}
