// The workspace must hear from the page in time, so this comes before anything else: it says who the agent is.
import { AmazonConnectApp } from "@amazon-connect/app";
import { AgentClient } from "@amazon-connect/contact";

const journey = document.querySelector("customer-journey");

const { provider } = AmazonConnectApp.init({
  async onCreate() {
    const arn = await new AgentClient(provider).getARN();
    // arn:aws:connect:REGION:ACCOUNT:instance/INSTANCE/agent/AGENT, as agents' ids are in contact events.
    journey.agent = arn.split("/").at(-1);
  },
  async onDestroy() {
    journey.remove();
  },
});
