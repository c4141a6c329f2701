/** Where Temporal's UI shows things. Its form to start a workflow takes the two parameters, and fills in the input of the newest of that type. */
export const temporalLinks = (uiUrl: string, namespace: string) => {
  const workflows = `${uiUrl.replace(/\/+$/, '')}/namespaces/${encodeURIComponent(namespace)}/workflows`;
  return {
    execution: (workflowId: string): string => `${workflows}/${encodeURIComponent(workflowId)}`,
    start: (workflowType: string, taskQueue: string): string => `${workflows}/start-workflow?${new URLSearchParams({ workflowType, taskQueue }).toString()}`,
  };
};
