// Signs in by Genesys Cloud's SDK, where the agent is signed in already, and shows that agent's calls. Each interaction
// has an instance of this page; they share one connection.
const REGION = "mypurecloud.com";
const CLIENT_ID = "an OAuth client of yours, grant type Code Authorization with PKCE";

const journey = document.querySelector("customer-journey");
// The sign-in comes back without the query.
const language = new URLSearchParams(location.search).get("language") ?? sessionStorage.getItem("language");
if (language) {
  sessionStorage.setItem("language", language);
  journey.lang = Intl.getCanonicalLocales(language)[0];
}

// The SDK's bundle for browsers brings a `require` of its own.
const platformClient = window.require("platformClient");
const client = platformClient.ApiClient.instance;
client.setEnvironment(REGION);
client.setPersistSettings(true, "customer-journey");
await client.loginPKCEGrant(CLIENT_ID, location.origin + location.pathname);
const { id } = await new platformClient.UsersApi().getUsersMe();
journey.agent = id;
