// The two modules of Amazon Connect's SDK that the example uses, as documented; the test is the workspace.
export const AmazonConnectApp = {
  init({ onCreate, onDestroy }) {
    const provider = { isProvider: true };
    window.workspace = { create: onCreate, destroy: onDestroy };
    return { provider };
  },
};

export class AgentClient {
  #provider;

  constructor(provider) {
    this.#provider = provider;
  }

  async getARN() {
    if (!this.#provider?.isProvider) throw new Error("a client needs the provider that init() gave");
    return "arn:aws:connect:eu-west-2:111122223333:instance/10000000-0000/agent/ana";
  }
}
