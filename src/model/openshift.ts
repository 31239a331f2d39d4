/** By which one knows that a cluster is OpenShift. */
export const SCC_GROUP = 'security.openshift.io'
