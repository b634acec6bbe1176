// React 19 knows custom elements: what the element has as a property is set as one, and `on…` listens to its events.
import "@backstory/customer-journey";
import { useState } from "react";
import { createRoot } from "react-dom/client";

function Desktop({ agent }) {
  const [call, setCall] = useState(null);
  return (
    <main>
      <h1>{call ? `Call ${call.callId}` : "No call"}</h1>
      <customer-journey
        endpoint="wss://journeys.example/v1/agent"
        agent={agent}
        onpop={({ detail }) => setCall(detail.call)}
        oncall-ended={() => setCall(null)}
      />
    </main>
  );
}

const session = await fetch("/session");
const { agent } = await session.json();
createRoot(document.querySelector("#root")).render(<Desktop agent={agent} />);
