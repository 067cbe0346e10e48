using System.Text.Json;
using Caracal.Authority.DecisionContract;
using Caracal.Authority.Policies;
using Caracal.Hosting.Http;
using Caracal.Rego;
using Caracal.Storage;
using Caracal.Streams;
using Caracal.Streams.State;
using Caracal.Sts.TokenExchange;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.Policies;

/// <summary><c>POST /internal/policy/simulate</c> (sts.md 10.6): the same compiler and engine, no state, no metrics.</summary>
internal sealed class SimulatePolicy(StsSettings settings, ISharedState state, DatabaseClock clock)
{
    // One policy may have 256 KiB and a set 256 of them; the token endpoint's 64 KiB would refuse real sets (B7).
    private const int LargestBody = 16 * 1024 * 1024;

    public async Task HandleAsync(HttpContext context)
    {
        context.Response.Headers.CacheControl = "no-store";
        if (await BodyReader.ReadAsync(context, LargestBody) is not { } body)
        {
            await ErrorBody.WriteAsync(context, StsErrors.BodyTooLarge);
            return;
        }

        try
        {
            if (SignedCallReader.Read(context, body) is not { } proof
                || !await SignedCall.VerifyAsync(proof, settings.GatewayKeys, state, clock, context.RequestAborted))
            {
                await ErrorBody.WriteAsync(context, StsErrors.BadSignedCall);
                return;
            }
        }
        catch (StreamsUnavailableException)
        {
            await ErrorBody.WriteAsync(context, StsErrors.Unavailable);
            return;
        }

        await (TryRead(body) is { } question ? AnswerAsync(context, question) : ErrorBody.WriteAsync(context, StsErrors.BadJson));
    }

    private async Task AnswerAsync(HttpContext context, Question question)
    {
        var (result, error) = Evaluate(question);
        if (result is null)
        {
            // v1.0's API reads "detail", everybody else the description.
            await ErrorBody.WriteAsync(
                context, StsErrors.PolicyRejected.With(error), writer => writer.WriteString("detail"u8, error));
            return;
        }

        await ErrorBody.WriteJsonAsync(context.Response, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("policy_set_id"u8, question.PolicySetId);
            writer.WriteString("version_id"u8, question.VersionId);
            writer.WriteString("manifest_sha256"u8, question.ManifestSha256);
            writer.WritePropertyName("result"u8);
            writer.WriteRawValue(result.ToJson());
            writer.WriteEndObject();
        });
    }

    private (RegoValue? Result, string Error) Evaluate(Question question)
    {
        if (WithSchema(question.Input) is not { } input)
        {
            return (null, $"input schema_version must be {PolicyInput.SchemaVersion}");
        }

        var compiled = PolicyCompiler.Compile(question.Policies, settings.CustomRego);
        if (compiled.Result is not { } query)
        {
            return (null, compiled.InvalidDocument ?? compiled.Error ?? "the policies do not compile");
        }

        var bundle = PolicyBundle.Compiled(null, null, "", query, compiled.Restrict, clock.Now, figures: null);
        var evaluation = bundle.Evaluate(input, CancellationToken.None);
        return evaluation.Decision is { } decision ? (ToValue(decision), "") : (null, evaluation.Error);
    }

    private static RegoValue ToValue(Authority.Policies.PolicyDecision decision) => new RegoObjectBuilder(4)
        .Add("decision", decision.Allowed ? "allow" : "deny")
        .Add("evaluation_status", decision.EvaluationStatus)
        .Add("determining_policies", decision.DeterminingPolicies)
        .Add("diagnostics", decision.Diagnostics)
        .Build();

    // An empty version is filled in; any other than ours is an error (sts.md 10.3).
    private static RegoValue? WithSchema(RegoValue input)
    {
        if (input.Kind != RegoKind.Object)
        {
            return null;
        }

        if (input.TryGet("schema_version", out var version) && !(version.Kind == RegoKind.String && version.AsString().Length == 0))
        {
            return version.Kind == RegoKind.String && version.AsString() == PolicyInput.SchemaVersion ? input : null;
        }

        var filled = new RegoObjectBuilder(input.Count + 1);
        foreach (var (key, value) in input.Properties)
        {
            filled.Add(key, value);
        }

        return filled.Add("schema_version", PolicyInput.SchemaVersion).Build();
    }

    private static Question? TryRead(byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("policies"u8, out var list) || list.ValueKind != JsonValueKind.Array || list.GetArrayLength() == 0)
            {
                return null;
            }

            var policies = new List<(string, string)>(list.GetArrayLength());
            foreach (var policy in list.EnumerateArray())
            {
                if (Text(policy, "id") is not { } id || Text(policy, "content") is not { } content)
                {
                    return null;
                }

                policies.Add((id, content));
            }

            var input = root.TryGetProperty("input"u8, out var given) && given.ValueKind != JsonValueKind.Null
                ? RegoValue.FromJson(given.GetRawText())
                : RegoValue.EmptyObject;
            return new Question(
                Text(root, "policy_set_id") ?? "", Text(root, "version_id") ?? "", Text(root, "manifest_sha256") ?? "", policies, input);
        }
        catch (Exception fault) when (fault is JsonException or FormatException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private sealed record Question(
        string PolicySetId, string VersionId, string ManifestSha256, List<(string Name, string Content)> Policies, RegoValue Input);
}
