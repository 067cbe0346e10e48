using System.Text.Json;
using Caracal.Protocol.Mandates;

namespace Caracal.Sts.Tests;

/// <summary>What the STS said.</summary>
internal sealed record Answer(int Status, JsonElement Body, HttpResponseMessage Response)
{
    public string? Error => Text("error");
    public string? Description => Text("error_description");
    public string Token => Text("access_token")!;

    /// <summary>The mandate, taken apart.</summary>
    public MandateClaims Claims => MandateToken.TryParse(Token)!.Claims;

    public string? Text(string name) =>
        Body.ValueKind == JsonValueKind.Object && Body.TryGetProperty(name, out var value) ? value.ToString() : null;
}
