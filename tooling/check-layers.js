import { reportFindings } from './findings.ts'
import { checkManifest } from './layers/manifests.ts'
import { checkRoot } from './layers/root.ts'
import { checkSources } from './layers/sources.ts'
import { readPackages, workspaceRoot } from './workspace.ts'
/** The layer of every package that exists or is planned. A package imports only from layers below its own. */
export const layers = {
  'packages/concurrency': 0,
  'packages/operations': 1,
  'packages/disk': 1,
  'packages/storage': 1,
  'packages/telemetry': 1,
  'packages/credentials': 1,
  'packages/blocks': 2,
  'packages/wal': 2,
  'packages/storage-file': 2,
  'packages/storage-s3': 2,
  'packages/storage-huggingface': 2,
  'packages/storage-storacha': 2,
  'packages/storage-filecoin': 2,
  'packages/storage-lassie': 2,
  'packages/cache': 3,
  'packages/ipfs': 3,
  'packages/journal': 3,
  'packages/transfer': 3,
  'packages/placement': 3,
  'packages/peer': 3,
  'packages/streaming': 3,
  'packages/cluster': 3,
  'packages/kit': 4,
  'packages/gateway': 4,
  'packages/kubo-rpc': 4,
  'packages/pinning-service': 4,
  'packages/client': 5,
  'apps/mcp-server': 6,
  'apps/dashboard': 6,
  // One above the server, because `ipfs-kit serve` and `ipfs-kit mcp` start it.
  'apps/cli': 7,
}
/** Checks the workspace at `root`. */
export function checkLayers(root) {
  const packages = readPackages(root)
  return [
    ...checkRoot(root),
    ...packages.flatMap((one) => [...checkManifest(layers, one, packages), ...checkSources(layers, one)]),
  ]
}
if (import.meta.main) reportFindings('layers', checkLayers(workspaceRoot()))
//# sourceMappingURL=check-layers.js.map
