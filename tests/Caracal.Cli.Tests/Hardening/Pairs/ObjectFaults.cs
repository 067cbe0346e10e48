using System.Text.RegularExpressions;
using Caracal.Cli.Tests.Deploy;

namespace Caracal.Cli.Tests.Hardening.Pairs;

/// <summary>Faults of rendered objects: those of <see cref="ObjectCheckTests"/>, in a deployment that is good otherwise.</summary>
internal static partial class ObjectFaults
{
    public static IReadOnlyDictionary<string, Pair> All { get; } = ObjectCheckTests.Faults.Where(fault => fault.Value.Bad != "ok")
        .ToDictionary(
            fault => fault.Key,
            fault => new Pair(fault.Value.Check, fault.Value.Bad, fault.Value.Says, on => on.Objects = on.Objects!.Replace(fault.Value.From, fault.Value.To, StringComparison.Ordinal))
            {
                Arrange = on => on.Objects = Packaged(fault.Value.OfCompose),
                Also = fault.Value.Says.EndsWith(" inline", StringComparison.Ordinal) ? ["H-SEC-1"] : [], // one secret in the objects is both
            },
            StringComparer.Ordinal)
        .Append(KeyValuePair.Create("image by tag", new Pair(
            "H-CTR-5", "warn", "not a digest", on => on.Objects = on.Objects!.Replace("@sha256:0123", ":v1.0.0", StringComparison.Ordinal))))
        .Append(KeyValuePair.Create("PostgreSQL published", new Pair(
            "H-NET-6", "fail", "postgres is published", on => on.Objects = on.Objects!.Replace("127.0.0.1:5432:5432", "5432:5432", StringComparison.Ordinal))
        {
            Arrange = on => on.Objects = Packaged(compose: true),
        }))
        .Append(KeyValuePair.Create("api published without TLS", new Pair(
            "H-TLS-2", "fail", "api is reachable by plain http", on => on.Objects = on.Objects!.Replace("127.0.0.1:3000:3000", "3000:3000", StringComparison.Ordinal))
        {
            Arrange = on =>
            {
                on.Objects = Packaged(compose: true);
                ConfigurationFaults.Certified(on, "STS", "GATEWAY", "COORDINATOR");
                on.Between("api", ServiceFaults.Posture("HOST", "0.0.0.0"));
            },
        }))
        .Append(KeyValuePair.Create("live value in the objects", new Pair(
            "H-SEC-1", "fail", "the objects hold the live value of AUDIT_HMAC_KEY", on => Add(on, Item("""{"kind":"ConfigMap","data":{"x":"VALUE"}}""", File.ReadAllText(on.Secret("auditHmacKey")).Trim())))))
        .Append(KeyValuePair.Create("agent with the secrets folder", new Pair(
            "H-SEC-3", "fail", "agent is given", on => Add(on, Agent(Item("""{"name":"s","hostPath":{"path":"VALUE"}}""", on.Running.Home))))))
        .Append(KeyValuePair.Create("agent with a Secret of ours", new Pair(
            "H-SEC-3", "fail", "agent is given the Secret", on => Add(on, Agent(Item("""{"name":"s","secret":{"secretName":"VALUE"}}""", Secret().Match(on.Objects!).Groups[1].Value))))))
        .Append(KeyValuePair.Create("agent by a schedule with a Secret of ours", new Pair(
            "H-SEC-3", "fail", "agent is given the Secret", on => Add(on, Scheduled(Agent(Item("""{"name":"s","secret":{"secretName":"VALUE"}}""", Secret().Match(on.Objects!).Groups[1].Value)))))))
        .Append(KeyValuePair.Create("agent that begins with a Secret of ours", new Pair(
            "H-SEC-3", "fail", "agent is given the Secret", on => Add(on, Early(Agent(Item("""{"name":"s","secret":{"secretName":"VALUE"}}""", Secret().Match(on.Objects!).Groups[1].Value)))))))
        .Append(KeyValuePair.Create("agent beside ours with a secret of ours", new Pair(
            "H-SEC-3", "fail", "agent is given", on => on.Objects = on.Objects!.Replace(
                "\"services\":{", Item("\"secrets\":{\"a\":{\"file\":\"VALUE/adminToken\"}},\"services\":{", on.Secrets) + """  "agent":{"image":"example/agent@sha256:0123","secrets":[{"source":"a"}]},""", StringComparison.Ordinal))
        {
            Arrange = on => on.Objects = Packaged(compose: true),
        }))
        .Append(KeyValuePair.Create("agent beside ours with the secrets folder", new Pair(
            "H-SEC-3", "fail", "agent is given", on => on.Objects = on.Objects!.Replace(
                "\"services\":{", "\"services\":{" + Item("""  "agent":{"image":"example/agent@sha256:0123","volumes":["VALUE:/s:ro"]},""", on.Secrets), StringComparison.Ordinal))
        {
            Arrange = on => on.Objects = Packaged(compose: true),
        }))
        .Append(KeyValuePair.Create("policy that is for other pods", new Pair(
            "H-K8S-1", "fail", "denies by default for", on => on.Objects = on.Objects!.Replace(
                "caracal-default-deny\"},\"spec\":{\"podSelector\":{", "caracal-default-deny\"},\"spec\":{\"podSelector\":{\"matchExpressions\":[{\"key\":\"other\",\"operator\":\"Exists\"}],", StringComparison.Ordinal))))
        .ToDictionary(StringComparer.Ordinal);

    private static void Add(GoodDeployment on, string item) => on.Objects = on.Objects!.Replace("{\"items\":[", "{\"items\":[" + item + ",", StringComparison.Ordinal);

    private static string Item(string json, string value) => json.Replace("VALUE", value, StringComparison.Ordinal);

    private static string Agent(string volume) =>
        Item("""{"kind":"Deployment","metadata":{"name":"agent"},"spec":{"template":{"spec":{"volumes":[VALUE],"containers":[{"name":"agent","image":"example/agent@sha256:0123","volumeMounts":[{"name":"s"}]}]}}}}""", volume);

    private static string Scheduled(string deployment) => deployment
        .Replace("\"kind\":\"Deployment\"", "\"kind\":\"CronJob\"", StringComparison.Ordinal).Replace("\"spec\":{\"template\"", "\"spec\":{\"jobTemplate\":{\"spec\":{\"template\"", StringComparison.Ordinal) + "}}";

    private static string Early(string deployment) => deployment.Replace("\"containers\":", "\"containers\":[],\"initContainers\":", StringComparison.Ordinal);

    [GeneratedRegex("\"secretName\":\"([^\"]+)\"")]
    private static partial Regex Secret();

    // As they are packaged, with images by digest as a deployment names them.
    private static string Packaged(bool compose) => Tag().Replace(compose ? ObjectCheckTests.Compose : ObjectCheckTests.Chart, "$1@sha256:0123\"");

    [GeneratedRegex("(\"image\":\"[^\"@]*):[^\"/]*\"")]
    private static partial Regex Tag();
}
