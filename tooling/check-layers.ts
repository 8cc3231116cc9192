/**
 * Holds the workspace to its layers: imports between packages go strictly downward, and the settings that say the same
 * thing twice (exports, references) agree. Run by `pnpm lint`; exits 1 if anything is found.
 */
import type { Finding } from './findings.ts'
import { reportFindings } from './findings.ts'
import type { LayerTable } from './layers/edges.ts'
import { checkManifest } from './layers/manifests.ts'
import { checkRoot } from './layers/root.ts'
import { checkSources } from './layers/sources.ts'
import { readPackages, workspaceRoot } from './workspace.ts'

/** The layer of every package that exists or is planned. A package imports only from layers below its own. */
export const layers: LayerTable = {
  'packages/concurrency': 0,

  'packages/operations': 1,
  'packages/disk': 1,
  'packages/storage': 1,
  'packages/telemetry': 1,
  'packages/plot': 1,

  'packages/blocks': 2,
  // Beside the backends, which are given their secrets: whoever opens one resolves its reference.
  'packages/credentials': 2,
  'packages/wal': 2,
  'packages/storage-file': 2,
  'packages/storage-s3': 2,
  'packages/storage-huggingface': 2,
  'packages/storage-storacha': 2,
  'packages/storage-filecoin': 2,
  'packages/storage-lassie': 2,

  'packages/cache': 3,
  'packages/ipfs': 3,
  'packages/transfer': 3,
  'packages/placement': 3,
  'packages/peer': 3,
  'packages/streaming': 3,
  'packages/cluster': 3,

  // Above the node, whose files and folders its tree is made of.
  'packages/journal': 4,

  'packages/kit': 5,
  'packages/gateway': 5,
  'packages/kubo-rpc': 5,
  'packages/pinning-service': 5,

  'packages/client': 6,

  'apps/mcp-server': 7,
  'apps/dashboard': 7,

  // One above the server, because `ipfs-kit serve` and `ipfs-kit mcp` start it.
  'apps/cli': 8,
}

/** Checks the workspace at `root`. */
export function checkLayers(root: string): Finding[] {
  const packages = readPackages(root)
  return [
    ...checkRoot(root),
    ...packages.flatMap((one) => [...checkManifest(layers, one, packages), ...checkSources(layers, one)]),
  ]
}

if (import.meta.main) reportFindings('layers', checkLayers(workspaceRoot()))
