using Caracal.Protocol.Mandates;

namespace Caracal.Protocol.Exchange;

/// <summary>What the Gateway sends (gateway.md A8).</summary>
/// <param name="ZoneId">Claim <c>zone_id</c>.</param>
/// <param name="ApplicationId">Claim <c>client_id</c>.</param>
/// <param name="SubjectToken">The inbound mandate.</param>
/// <param name="Resource">The resource header.</param>
/// <param name="Method">The caller's method.</param>
/// <param name="Path">The decoded path that goes upstream.</param>
/// <param name="McpOperation">What an MCP message asks for, for example <c>tools/call/echo</c>; null for any other call.</param>
/// <param name="RequestId">Also the <c>X-Request-Id</c> of the call.</param>
/// <param name="Subject">The inbound mandate taken apart, for an STS in the same process; sent nowhere, and as little trusted as its text.</param>
public sealed record ExchangeRequest(
    string ZoneId, string ApplicationId, ReadOnlyMemory<char> SubjectToken, string Resource, string Method, string Path, string RequestId,
    string? McpOperation = null, MandateToken? Subject = null);
