/** The label that canary twins carry beside the suspect's: its value is that of the suspect's quarantine label. */
export const TWIN_KEY = 'impound.dev/twin'
