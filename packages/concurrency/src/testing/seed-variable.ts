/** The variable that names the one seed to run, where tests would run many. */
export const seedVariable = 'IPFS_KIT_SEED'
