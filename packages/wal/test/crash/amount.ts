/** How much is tried: the same tests with larger numbers when the soak runs. */
export const soak = Math.max(1, Number(process.env['IPFS_KIT_SOAK'] ?? 1))
