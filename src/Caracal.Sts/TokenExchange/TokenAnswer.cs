using System.Buffers;
using System.Text.Json;
using Caracal.Hosting.Http;
using Caracal.Protocol;
using Caracal.Protocol.Exchange;
using Caracal.Storage.Approvals;
using Microsoft.AspNetCore.Http;

namespace Caracal.Sts.TokenExchange;

/// <summary>The bodies of sts.md 2.4 and 8.2.</summary>
internal static class TokenAnswer
{
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? threadBuffer;

    [ThreadStatic]
    private static Utf8JsonWriter? threadWriter;

    public static async Task WriteAsync(HttpContext context, Exchange exchange)
    {
        context.Response.ContentType = "application/json";
        Write(context.Response, exchange);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    // The buffer is this thread's; the response has its own copy before anything can wait, and the token leaves no trace here.
    private static void Write(HttpResponse response, Exchange exchange)
    {
        var buffer = threadBuffer ??= new ArrayBufferWriter<byte>(8192);
        var writer = threadWriter ??= new Utf8JsonWriter(buffer);
        writer.Reset(buffer);
        try
        {
            WriteBody(writer, exchange);
            writer.Flush();
            response.ContentLength = buffer.WrittenCount;
            response.BodyWriter.Write(buffer.WrittenSpan);
        }
        finally
        {
            buffer.Clear();
        }
    }

    private static void WriteBody(Utf8JsonWriter writer, Exchange exchange)
    {
        writer.WriteStartObject();
        writer.WriteString("access_token"u8, exchange.AccessToken);
        writer.WriteString("token_type"u8, "Bearer"u8);
        writer.WriteNumber("expires_in"u8, exchange.LifetimeSeconds);
        if (exchange.Minted!.Scope is { Length: > 0 } scope)
        {
            writer.WriteString("scope"u8, scope);
        }

        writer.WriteString("issued_token_type"u8, "urn:ietf:params:oauth:token-type:access_token"u8);
        WriteTexts(writer, "target_resources"u8, exchange.Minted.Target);
        WriteUpstreams(writer, exchange.Upstreams);
        writer.WriteEndObject();
    }

    public static Task WriteRefusalAsync(HttpContext context, Exchange exchange, Refusal refusal)
    {
        if (exchange.ShownHold is not { } hold || refusal.Code != StsErrors.ApprovalRequired.Code)
        {
            return ErrorBody.WriteAsync(context, refusal);
        }

        return WriteHoldAsync(context, hold, exchange.Now);
    }

    /// <summary>The 401 that names the hold to wait for (sts.md 8.2).</summary>
    public static Task WriteHoldAsync(HttpContext context, Hold hold, DateTimeOffset now)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer error=\"interaction_required\"";
        return ErrorBody.WriteAsync(context, StsErrors.ApprovalRequired, writer => WriteHold(writer, hold, now));
    }

    /// <summary>The hold in the form that passes through the Gateway.</summary>
    public static ApprovalHold Describe(Hold hold, DateTimeOffset now) => new(
        hold.Id, hold.StateAt(now), hold.Tier, Convert.ToHexStringLower(hold.ResourceSetHash), Timestamps.Seconds(hold.ExpiresAt));

    private static void WriteHold(Utf8JsonWriter writer, Hold hold, DateTimeOffset now)
    {
        var shown = Describe(hold, now);
        writer.WriteString("approval_id"u8, shown.ApprovalId);
        writer.WriteString("approval_type"u8, "human_approval"u8);
        writer.WriteString("state"u8, shown.State);
        writer.WriteString("tier"u8, shown.Tier);
        writer.WriteString("binding"u8, shown.Binding);
        writer.WriteString("approval_expires_at"u8, shown.ExpiresAt);

        // The names of older clients.
        writer.WriteString("challenge_id"u8, shown.ApprovalId);
        writer.WriteString("challenge_type"u8, "human_approval"u8);
        writer.WriteString("challenge_expires_at"u8, shown.ExpiresAt);
    }

    private static void WriteUpstreams(Utf8JsonWriter writer, Dictionary<string, UpstreamDirective>? upstreams)
    {
        if (upstreams is null)
        {
            return;
        }

        writer.WriteStartObject("upstreams"u8);
        foreach (var (identifier, directive) in upstreams)
        {
            writer.WriteStartObject(identifier);
            writer.WriteString("url"u8, directive.Url);
            writer.WriteString("auth_mode"u8, directive.AuthMode);
            WriteOptional(writer, "auth_location"u8, directive.AuthLocation);
            WriteOptional(writer, "auth_header"u8, directive.AuthHeader);
            WriteOptional(writer, "query_param_name"u8, directive.QueryParamName);
            WriteOptional(writer, "auth_scheme"u8, directive.AuthScheme);
            WriteTexts(writer, "allowed_token_hosts"u8, directive.AllowedTokenHosts);
            WriteOptional(writer, "provider_token"u8, directive.ProviderToken);
            WriteOptional(writer, "provider_id"u8, directive.ProviderId);
            WriteOptional(writer, "connection_id"u8, directive.ConnectionId);
            if (directive.ForwardCaracalIdentity)
            {
                writer.WriteBoolean("forward_caracal_identity"u8, true);
            }

            if (!directive.OperationsEnforced)
            {
                writer.WriteBoolean("operations_enforced"u8, false);
            }

            if (directive.BudgetEdges.Count > 0)
            {
                WriteTexts(writer, "budget_edges"u8, directive.BudgetEdges);
            }

            if (directive.Watch is { } watch)
            {
                writer.WriteNumber("credential_version"u8, watch.Version);
                writer.WriteNumber("credential_observed_until"u8, watch.Until);
            }

            if (directive.ExpiresAt is { } expiry)
            {
                writer.WriteNumber("expires_at"u8, expiry);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private static void WriteOptional(Utf8JsonWriter writer, ReadOnlySpan<byte> name, string? value)
    {
        if (!string.IsNullOrEmpty(value))
        {
            writer.WriteString(name, value);
        }
    }

    private static void WriteTexts(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> values)
    {
        if (values.Count == 0)
        {
            return;
        }

        writer.WriteStartArray(name);
        for (var i = 0; i < values.Count; i++)
        {
            writer.WriteStringValue(values[i]);
        }

        writer.WriteEndArray();
    }
}
