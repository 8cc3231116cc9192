/** The entries of the parts whose work is a job. */
import { storeVerify } from '@ipfs-kit/blocks/operations'
import { cidsToPin, filesAdd, pinsAdd, repoGc } from '@ipfs-kit/ipfs/operations'
import { asJob, asJobOfFiles } from './as-job.ts'

const add = asJobOfFiles(filesAdd, {
  type: 'add',
  itemOf: (line) => {
    if ('items' in line) return undefined
    const name = line.path
    return 'failed' in line ? { name, failure: line.failed } : { name, result: line.cid }
  },
})

const pin = asJob(pinsAdd, {
  type: 'pin',
  cids: cidsToPin,
  // The CID that the path leads to now is what was asked for, whatever becomes of what the path goes through.
  prepare: async ({ ipfs }, input, signal) => {
    const cid = (await ipfs.files.resolve(input.cid, { signal })).toString()
    return { ...input, cid }
  },
})

const gc = asJob(repoGc, { type: 'custom:gc' })

const verify = asJob(storeVerify, {
  type: 'custom:verify',
  itemOf: (line) => {
    if ('failed' in line) return undefined
    const { pack, offset, bytes, cid, problem } = line
    const message = `${problem}, ${bytes} bytes at byte ${offset} of pack ${pack}`
    return { name: cid ?? `pack ${pack}, byte ${offset}`, failure: { code: 'BLOCKS_DAMAGED', message } }
  },
})

/** The entries, in the place of those that they are made of. */
export const jobEntries = [add.entry, pin.entry, gc.entry, verify.entry] as const

/** What the log of operations runs for them. */
export const jobKinds = [add.kind, pin.kind, gc.kind, verify.kind] as const
