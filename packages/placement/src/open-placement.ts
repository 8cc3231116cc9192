/** Opens placement: checks the options, opens the catalogue, and puts the parts together. */
import { createOwner } from '@ipfs-kit/concurrency'
import type { CID } from 'multiformats/cid'
import { openCatalog } from './catalog/catalog.ts'
import { CopyQueue } from './copy-queue.ts'
import { copyType, createCopyHandler } from './copy-work.ts'
import { Ledger } from './ledger.ts'
import { OpenedPlacement } from './opened-placement.ts'
import { checkKeys, checkWhole, type Refuse } from './option-checks.ts'
import type { Placement, PlacementOptions, PlacementWal } from './placement.ts'
import { Standing } from './standing.ts'
import { Upkeep } from './upkeep.ts'
import { Verification } from './verification.ts'

/**
 * Opens placement, which works from then on by itself.
 *
 * @throws PlacementError PLACEMENT_POLICY_INVALID, PLACEMENT_IMPOSSIBLE, PLACEMENT_CATALOG_FAILED; TypeError, RangeError for
 *   options; what `openWal` throws
 */
export async function openPlacement(options: PlacementOptions): Promise<Placement> {
  const { path, policy, backends, verifySharePerDay, verifyBytesPerSecond, ...checked } =
    checkOptions(options)
  const standing = new Standing(backends, checked.offlineGraceMs)
  await using opening = new AsyncDisposableStack()
  const { disk, segmentBytes } = options
  const catalog = opening.use(
    await openCatalog({
      path,
      ...(disk === undefined ? {} : { disk }),
      ...(segmentBytes === undefined ? {} : { segmentBytes }),
    }),
  )
  const ledger = new Ledger(catalog, standing, checked.clock, policy)
  const queue = new CopyQueue({
    ledger,
    maxQueued: checked.maxQueued,
    retryFailedMs: checked.retryFailedMs,
    onRoom: () => upkeep?.ask(),
  })
  let upkeep: Upkeep | undefined
  let wal: PlacementWal | undefined
  const onBad = async (cid: CID): Promise<void> => {
    // Without a log yet there is the first evaluation, which comes when there is one.
    if (wal !== undefined) await queue.fill(wal, cid)
  }
  const handler = createCopyHandler({
    ledger,
    refused: (cid) => queue.refused(cid),
    onEnd: (params) => queue.ended(params),
    onBad,
  })
  wal = await options.openWal({ [copyType]: handler })
  await queue.load(wal)
  const owner = createOwner({ name: 'placement' })
  opening.defer(() => owner.close())
  const verification = new Verification({
    ledger,
    sharePerDay: verifySharePerDay,
    bytesPerSecond: verifyBytesPerSecond,
    onBad,
  })
  const { intervalMs, evaluateEveryMs } = checked
  const parts = { ledger, queue, wal, verifySharePerDay, verification }
  upkeep = new Upkeep({ ...parts, owner, intervalMs, evaluateEveryMs })
  return new OpenedPlacement({ ...parts, upkeep, onRetained: options.onRetained, resources: opening.move() })
}

const optionNames = [
  'path',
  'policy',
  'backends',
  'openWal',
  'verifySharePerDay',
  'verifyBytesPerSecond',
  'intervalMs',
  'evaluateEveryMs',
  'offlineGraceMs',
  'retryFailedMs',
  'maxQueued',
  'onRetained',
  'disk',
  'segmentBytes',
  'clock',
] as const

const backendKeys = [
  'backend',
  'tags',
  'durability',
  'offSite',
  'costPerGiBMonth',
  'costPerWrite',
  'costPerRead',
] as const

function checkOptions(options: PlacementOptions) {
  checkKeys(options, optionNames, 'openPlacement', refuseType)
  const { path, policy, backends, openWal, onRetained, clock = Date.now, verifySharePerDay = 0.01 } = options
  if (typeof path !== 'string' || !path.startsWith('/')) throw new TypeError('path is an absolute path')
  if (!Array.isArray(backends)) throw new TypeError('backends is a list')
  backends.forEach((one: unknown, at) => checkKeys(one, backendKeys, `backends[${at}]`, refuseType))
  for (const [name, value] of Object.entries({ openWal, clock, onRetained: onRetained ?? openWal })) {
    if (typeof value !== 'function') throw new TypeError(`${name} is a function`)
  }
  if (!(verifySharePerDay >= 0 && verifySharePerDay <= 1)) {
    throw new RangeError(`verifySharePerDay is a number from 0 to 1, not ${String(verifySharePerDay)}`)
  }
  const checked = {
    verifyBytesPerSecond: options.verifyBytesPerSecond ?? 20 * 1024 * 1024,
    intervalMs: options.intervalMs ?? 60_000,
    evaluateEveryMs: options.evaluateEveryMs ?? 3_600_000,
    retryFailedMs: options.retryFailedMs ?? 600_000,
    maxQueued: options.maxQueued ?? 10_000,
  }
  const offlineGraceMs = options.offlineGraceMs ?? 3_600_000
  checkWhole(checked.verifyBytesPerSecond, 1, Number.MAX_SAFE_INTEGER, 'verifyBytesPerSecond', refuseRange)
  checkWhole(checked.maxQueued, 1, 100_000, 'maxQueued', refuseRange)
  for (const name of ['intervalMs', 'evaluateEveryMs', 'retryFailedMs'] as const) {
    checkWhole(checked[name], 1, longestMs, name, refuseRange)
  }
  checkWhole(offlineGraceMs, 0, longestMs, 'offlineGraceMs', refuseRange)
  return { ...checked, path, policy, backends, clock, verifySharePerDay, offlineGraceMs }
}

/** 30 days. */
const longestMs = 2_592_000_000
const refuseType: Refuse = (message) => new TypeError(message)
const refuseRange: Refuse = (message) => new RangeError(message)
