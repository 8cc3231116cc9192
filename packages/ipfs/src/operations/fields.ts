/** Input fields that several operations share. */
import { z } from 'zod'

/** A content path. */
export const cidPath = z
  .string()
  .min(1)
  .describe('CID, with an optional path below it: <cid> or <cid>/name/name')

/** A single CID. */
export const cid = z.string().min(1).describe('CID of the block')

/** A profile. */
export const profile = z
  .enum(['unixfs-v1-2025', 'unixfs-v0-2015'])
  .default('unixfs-v1-2025')
  .describe('CID profile: decides chunk size, width and CID version')

/** A name for a pin. */
export const pinName = z.string().min(1).max(255).optional().describe('name of the pin')

/** A codec of IPLD nodes. */
export const codec = z.enum(['dag-cbor', 'dag-json', 'dag-pb', 'raw'])
